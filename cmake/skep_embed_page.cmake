# SPDX-License-Identifier: MIT
# skep_embed_page(TARGET FILE SYMBOL): as skep_embed, for a file that may be missing: then there are
# 0 bytes of it. Each build looks whether it is there and what is in it, so a page that is made
# later is found without configuring anew; nothing is compiled while it stays the same.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(skep_embed_page target file symbol)
  get_filename_component(source "${file}" ABSOLUTE BASE_DIR "${PROJECT_SOURCE_DIR}")
  set(output "${PROJECT_BINARY_DIR}/generated/${symbol}.c")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/generated")
  add_custom_target(${symbol}
    COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/tools/embed.py" --optional
    "${source}" "${output}" "${symbol}"
    BYPRODUCTS "${output}"
    VERBATIM
  )
  target_sources(${target} PRIVATE "${output}")
  add_dependencies(${target} ${symbol})
endfunction()
