# SPDX-License-Identifier: MIT
# skep_embed(TARGET FILE SYMBOL): links the bytes of FILE into TARGET, as `const unsigned char
# SYMBOL[]` and `const size_t SYMBOL_bytes`; they are written again whenever the file changes.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(skep_embed target file symbol)
  get_filename_component(source "${file}" ABSOLUTE BASE_DIR "${PROJECT_SOURCE_DIR}")
  set(script "${PROJECT_SOURCE_DIR}/tools/embed.py")
  set(output "${PROJECT_BINARY_DIR}/generated/${symbol}.c")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/generated")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND Python3::Interpreter "${script}" "${source}" "${output}" "${symbol}"
    DEPENDS "${source}" "${script}"
    COMMENT "Embedding ${file}"
    VERBATIM
  )
  target_sources(${target} PRIVATE "${output}")
endfunction()
