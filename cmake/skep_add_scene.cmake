# SPDX-License-Identifier: MIT
# skep_add_scene(NAME files...) builds a scene as a module, NAME.so, that `skep run NAME.so` opens.
# Used inside skep's own tree and installed with the package.
#
# A scene is compiled with -O3, because gcc's -O2 costs column loops two to four times, and with
# -ffp-contract=off, because a world has the same bits on every machine or its hash means nothing.
# Flags that let the compiler change what arithmetic gives are refused, wherever they come from.
# SKEP_SCENE_OPTIMIZE replaces -O3 (empty: the build type's own).

function(skep__check_flags where)
  set(skep_scene_bad_flags
    -ffast-math -Ofast -funsafe-math-optimizations -fassociative-math -freciprocal-math
    -ffinite-math-only -fno-signed-zeros -ffp-contract=fast -ffp-contract=on -ffp-model=fast
    -fcx-limited-range -mrecip
  )
  string(REPLACE ";" " " flags " ${ARGN} ")
  string(TOLOWER "${flags}" flags)
  foreach(bad IN LISTS skep_scene_bad_flags)
    string(TOLOWER "${bad}" bad_lower)
    string(FIND "${flags}" "${bad_lower}" at)
    if(at GREATER_EQUAL 0)
      message(FATAL_ERROR "skep: ${bad} in ${where}: a scene compiled with it has other bits than "
        "the same scene elsewhere, so hashes, replays and prediction break. Remove the flag, or "
        "give it only to targets that are no scenes."
      )
    endif()
  endforeach()
endfunction()

# Runs when the directory is done, so that flags given after skep_add_scene() are seen too.
function(skep__check_target name)
  get_target_property(options ${name} COMPILE_OPTIONS)
  skep__check_flags("the compile options of target ${name}" ${options})
  get_target_property(flags ${name} COMPILE_FLAGS)
  skep__check_flags("the compile flags of target ${name}" ${flags})
endfunction()

# Makes an existing target a scene: flags and their checks, no include paths and no libraries.
function(skep__scene_target name)
  skep__check_flags("CMAKE_C_FLAGS" ${CMAKE_C_FLAGS})
  string(TOUPPER "${CMAKE_BUILD_TYPE}" config)
  skep__check_flags("CMAKE_C_FLAGS_${config}" ${CMAKE_C_FLAGS_${config}})
  get_directory_property(options COMPILE_OPTIONS)
  skep__check_flags("add_compile_options()" ${options})
  if(NOT DEFINED SKEP_SCENE_OPTIMIZE)
    set(SKEP_SCENE_OPTIMIZE -O3)
  endif()
  if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${name} PRIVATE
      ${SKEP_SCENE_OPTIMIZE} -ffp-contract=off -fno-math-errno -fno-trapping-math
    )
  endif()
  cmake_language(EVAL CODE "cmake_language(DEFER CALL skep__check_target [[${name}]])")
endfunction()

function(skep_add_scene name)
  if(NOT ARGN)
    message(FATAL_ERROR "skep_add_scene(${name}): no files given")
  endif()
  add_library(${name} MODULE ${ARGN})
  skep__scene_target(${name})
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so" C_STANDARD 17 C_STANDARD_REQUIRED ON C_VISIBILITY_PRESET hidden
  )
  target_link_libraries(${name} PRIVATE skep::headers)
  # What the scene calls is in the program that opens it.
  if(APPLE)
    target_link_options(${name} PRIVATE -undefined dynamic_lookup)
  elseif(WIN32)
    target_link_libraries(${name} PRIVATE skep::cli)
  endif()
endfunction()
