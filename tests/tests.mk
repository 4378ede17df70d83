# SPDX-License-Identifier: LGPL-2.1-or-later

##@ Testing
check-unit: $(UNIT_TESTS) ## build and run the unit tests
	@for t in $^; do $$t || exit 1; done
.PHONY: check-unit
