#!/bin/sh
# Runs the functional tests in Composer projects that have TYPO3, felogin, fluid-styled-content, the testing framework
# and this extension (as a path repository): functional.sh PROJECT …, or TYPO3_PROJECTS="PROJECT …". Without any, says
# so and ends well: TYPO3 is not installed everywhere.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- ${TYPO3_PROJECTS:-}
if [ $# -eq 0 ]; then
	echo "not run: functional tests of the TYPO3 extension: no TYPO3 is installed (TYPO3_PROJECTS names Composer projects)"
	exit 0
fi
status=0
for project in "$@"; do
	framework=$project/vendor/typo3/testing-framework/Resources/Core/Build
	echo "functional tests of the TYPO3 extension in $project" >&2
	(cd "$project" && typo3DatabaseDriver=pdo_sqlite vendor/bin/phpunit -c "$framework/FunctionalTests.xml" "$here/Tests/Functional") >&2 ||
		status=1
done
exit $status
