# What `cmake --install` puts where. Nothing that is installed knows where it was installed: the whole may be moved.
#   bin/              weft, and the scripts weft-post, weft-submit, weft-sweep
#   lib/, include/    the library, with a pkg-config file and a CMake package (Weft::weft)
#   share/weft/       jobs/, inputs/, postprocess/
#   share/man/, share/bash-completion/, share/modulefiles/
include(CMakePackageConfigHelpers)
set(packaging ${CMAKE_CURRENT_SOURCE_DIR}/jobs/packaging)
set(generated ${CMAKE_CURRENT_BINARY_DIR}/packaging)

# ---- the program, its manual page and its completion -----------------------
set(ask_weft $<TARGET_FILE:weft> -help -man)
if(WEFT_SANITIZE) # LeakSanitizer fails where processes may not be traced, as in some containers
  set(ask_weft ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 ${ask_weft})
endif()
add_custom_command(OUTPUT weft.1 DEPENDS weft VERBATIM
                   COMMAND ${ask_weft} > weft.1.new
                   COMMAND ${CMAKE_COMMAND} -E rename weft.1.new weft.1)
add_custom_target(manpage ALL DEPENDS weft.1)

install(TARGETS weft)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weft.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
foreach(command weft weft-submit weft-sweep)
  install(FILES jobs/completion.bash DESTINATION share/bash-completion/completions RENAME ${command})
endforeach()

# ---- scripts, options files, Python ----------------------------------------
foreach(command weft-post weft-submit weft-sweep)
  install(PROGRAMS ${packaging}/weft-run DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME ${command})
endforeach()
# Those of jobs/ that build Weft or stand elsewhere stay behind, and the user's own site.sh stays as it is.
install(DIRECTORY jobs inputs postprocess DESTINATION share/weft USE_SOURCE_PERMISSIONS
        PATTERN ".*" EXCLUDE
        PATTERN __pycache__ EXCLUDE
        PATTERN "*.egg-info" EXCLUDE
        PATTERN "*.png" EXCLUDE
        PATTERN "postprocess/tests" EXCLUDE
        PATTERN "postprocess/build" EXCLUDE
        PATTERN "jobs/packaging" EXCLUDE
        PATTERN "jobs/site.sh" EXCLUDE
        PATTERN "jobs/completion.bash" EXCLUDE
        PATTERN "jobs/quickstart.sh" EXCLUDE
        PATTERN "jobs/scaling.sh" EXCLUDE
        PATTERN "jobs/claims.sh" EXCLUDE)
install(CODE "
  set(jobs \${CMAKE_INSTALL_PREFIX}/share/weft/jobs)
  if(NOT EXISTS \$ENV{DESTDIR}\${jobs}/site.sh)
    file(INSTALL \"${CMAKE_CURRENT_SOURCE_DIR}/jobs/site.sh\" DESTINATION \${jobs})
  else()
    message(STATUS \"Kept as it is: \${jobs}/site.sh\")
  endif()")

# ---- the library -----------------------------------------------------------
install(TARGETS libweft EXPORT weft)
install(DIRECTORY include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT weft NAMESPACE Weft:: FILE weft-targets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)

# The folder of PETSc's pkg-config file, for those who use the library by CMake.
pkg_get_variable(petsc_pkgconfig ${PETSC_MODULE_NAME} pcfiledir)
configure_package_config_file(${packaging}/weft-config.cmake.in ${generated}/weft-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${generated}/weft-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${generated}/weft-config.cmake ${generated}/weft-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)

# As flags of the linker what the library needs, as it was found: with --static, which libweft wants, the pkg-config
# files of PETSc and ScaLAPACK would ask for all that went into those, too.
function(weft_link_flags result)
  set(flags)
  foreach(library ${ARGN})
    if(library MATCHES "^-" OR IS_ABSOLUTE "${library}")
      list(APPEND flags "${library}")
    else()
      list(APPEND flags "-l${library}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES flags)
  list(JOIN flags " " flags)
  set(${result} "${flags}" PARENT_SCOPE)
endfunction()
weft_link_flags(pc_libraries ${PETSC_LINK_LIBRARIES} ${SCALAPACK_LINK_LIBRARIES} ${SCALAPACK_LIBRARY} ${HDF5_C_LIBRARIES}
                ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES} ${MPI_C_LIBRARIES} ${ZLIB_LIBRARIES} m ${CMAKE_DL_LIBS})
set(pc_includes ${PETSC_INCLUDE_DIRS} ${HDF5_C_INCLUDE_DIRS} ${MPI_C_INCLUDE_DIRS})
list(REMOVE_DUPLICATES pc_includes)
list(TRANSFORM pc_includes PREPEND "-I")
list(JOIN pc_includes " " pc_includes)
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(${packaging}/weft.pc.in ${generated}/weft.pc @ONLY)
install(FILES ${generated}/weft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# ---- the module file -------------------------------------------------------
configure_file(${packaging}/modulefile.in ${generated}/modulefile @ONLY)
install(FILES ${generated}/modulefile DESTINATION share/modulefiles/weft RENAME ${PROJECT_VERSION})
