# SPDX-License-Identifier: MIT
# Install rules: library, headers, the command, the CMake package and skep.pc.
include(CMakePackageConfigHelpers)

set(skep_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/skep")
install(TARGETS skep skep_headers EXPORT skepTargets)
if(TARGET skep_cli)
  install(TARGETS skep_cli EXPORT skepTargets)
endif()
if(TARGET skep_gateway)
  install(TARGETS skep_gateway EXPORT skepTargets)
endif()
install(FILES ${skep_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/skep")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/skep")

install(EXPORT skepTargets NAMESPACE skep:: DESTINATION "${skep_package_dir}")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/skepConfig.cmake.in" "${PROJECT_BINARY_DIR}/skepConfig.cmake"
  INSTALL_DESTINATION "${skep_package_dir}"
)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/skepConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion
)
install(FILES
  "${PROJECT_BINARY_DIR}/skepConfig.cmake" "${PROJECT_BINARY_DIR}/skepConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/skep_add_scene.cmake"
  DESTINATION "${skep_package_dir}"
)

file(RELATIVE_PATH skep_pc_up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" skep_pc_up "${skep_pc_up}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/skep.pc.in" "${PROJECT_BINARY_DIR}/skep.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/skep.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
