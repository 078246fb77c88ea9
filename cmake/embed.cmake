# Makes a file part of a target: its bytes lie between the symbols cede_embedded_<name> and
# cede_embedded_<name>_end. The assembler reads the file, so a change of it builds anew.

function(cede_embed target name file)
  set(source ${PROJECT_BINARY_DIR}/embedded/${name}.S)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
    .section .rodata
    .balign 16
    .global cede_embedded_@name@
    .global cede_embedded_@name@_end
cede_embedded_@name@:
    .incbin "@file@"
cede_embedded_@name@_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
]])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()

# Debian's libjs-chart.js; a cross build may use this machine's, for it is text.
find_file(CEDE_CHART_JS chart.min.js
  PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
  NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
if(NOT CEDE_CHART_JS)
  message(FATAL_ERROR "chart.min.js is missing: run ./dev setup, or install libjs-chart.js")
endif()
