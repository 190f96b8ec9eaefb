STATIC := .build-static
static:
	PSM_ENTRY_STATIC=1 swift build -c release --experimental-lto-mode full --scratch-path $(STATIC) --product psm-entry
	mkdir -p build && cp $(STATIC)/release/psm-entry build/psm-entry
