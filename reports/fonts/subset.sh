#!/bin/sh
# Makes the two embedded fonts from the files of Debian's fonts-dejavu-core 2.37-6; see README.md.
set -eu
source=${1:?the folder that holds DejaVuSans.ttf and DejaVuSans-Bold.ttf}
latin='U+0020-007E,U+00A0-00FF'
marks='U+2010-2016,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032,U+2033'
digits='U+2070,U+2071,U+2074-208E,U+2090-209C'
signs='U+2113,U+2190-2195,U+21D0-21D4,U+2202,U+2206,U+2207,U+2208,U+220F,U+2211,U+2212,U+2213,U+221A,U+221D,U+221E'
relations='U+2225,U+222B,U+2243,U+2245,U+2248,U+2260,U+2261,U+2264,U+2265,U+226A,U+226B,U+2295,U+2297,U+22A4,U+22A5,U+22C5,U+22EF,U+27E8,U+27E9'
make() {
    pyftsubset "$source/$1.ttf" --unicodes="$2" --no-hinting --layout-features= \
        --drop-tables+=GPOS,GSUB,GDEF,kern,FFTM --name-IDs=0,1,2,3,4,5,6,13,14 --output-file="$1-subset.ttf"
}
make DejaVuSans "$latin,U+0391-03C9,U+03D1,U+03D5,U+03F5,$marks,$digits,$signs,$relations"
# Bold is for titles alone, so it goes without the rarer signs.
make DejaVuSans-Bold "U+0020-007E,U+00B0-00B7,U+00D7,U+00E4,U+00E9,U+00F6,U+00FC,U+0391-03C9,U+2013,U+2014,U+2016,U+2019,U+201C,U+201D,U+2026,$digits,U+2190-2193,U+2202,U+2207,U+2211,U+2212,U+221A,U+221D,U+221E,U+2248,U+2264,U+2265,U+22C5"
