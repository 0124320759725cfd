#!/bin/sh
# Turn SQL files into C strings: embed.sh OUT.c FILE.sql…  Each becomes `const char schema_<name>[]`.
set -eu

out=$1
shift
{
	echo '/* Made by src/store/schema/embed.sh. */'
	echo '#include "store/sqlite/schema.h"'
	for file in "$@"; do
		name=$(basename "$file" .sql)
		printf '\nconst char schema_%s[] =\n' "$name"
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$file"
		echo '	;'
	done
} >"$out.tmp"
mv "$out.tmp" "$out"
