# SPDX-License-Identifier: MIT
# The flags of skep's own targets: C17 without extensions, the warning profile, the same bits
# everywhere, hidden visibility, asserts and sanitizers. Nothing here reaches a user's target.

set(skep_warnings
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wcast-qual -Wundef -Wpointer-arith -Wdouble-promotion -Wvla
  -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough
)

# Contraction would give other bits on machines with fused multiply-add. The other two keep the
# bits and let the compiler inline sqrt and vectorise conditions: nobody reads errno or the
# exception flags.
set(skep_math_flags -ffp-contract=off -fno-math-errno -fno-trapping-math)

# All code is position independent, since a user may link it into a shared library of his own; this
# keeps gcc free to inline functions that are visible from outside all the same.
set(skep_code_flags -fno-semantic-interposition)

function(skep__own_target name)
  set_target_properties(${name} PROPERTIES
    C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF C_VISIBILITY_PRESET hidden
    POSITION_INDEPENDENT_CODE ON
  )
  target_include_directories(${name} PRIVATE
    "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include"
  )
  if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${name} PRIVATE ${skep_warnings} ${skep_math_flags}
      ${skep_code_flags}
    )
    if(SKEP_WERROR)
      target_compile_options(${name} PRIVATE -Werror)
    endif()
  endif()
  if(SKEP_ASSERTS STREQUAL "AUTO")
    target_compile_definitions(${name} PRIVATE
      SKEP_ASSERTS=$<IF:$<CONFIG:Release,MinSizeRel>,0,1>
    )
  else()
    target_compile_definitions(${name} PRIVATE SKEP_ASSERTS=$<BOOL:${SKEP_ASSERTS}>)
  endif()
  if(skep_port_files)
    # The replaceable handler is port/'s; without it a failed assert is a trap.
    target_compile_definitions(${name} PRIVATE SKEP_ASSERT_HANDLER=skep_assert_failed)
  endif()
  if(SKEP_SANITIZE)
    target_compile_options(${name} PRIVATE
      -fsanitize=${SKEP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    )
    target_link_options(${name} PUBLIC -fsanitize=${SKEP_SANITIZE})
  endif()
endfunction()
