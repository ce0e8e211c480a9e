/* SPDX-License-Identifier: MIT */
/* ctest: timeout=600, waits
 * The suite for `processes` with 1, 2 and 4 workers. */
#include "tests/conformance/isolated.h"

int main(void)
{
    if (!isolated_begin()) return 1;
    const int failed = conformance_run(isolated_factory(1)) + conformance_run(isolated_factory(2)) +
                       conformance_run(isolated_factory(4));
    isolated_end();
    return failed;
}
