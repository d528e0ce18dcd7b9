#!/usr/bin/env bash
# Takes a picture of the dashboard: screen.sh OUT.png OPTIONS [KEYS..]
# Needs tmux, aha and chromium (Debian packages) and a release build.
set -euo pipefail
out=$(realpath -m "$1"); options=$2; shift 2
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'tmux -L candelab-gallery kill-server 2>/dev/null || true; rm -rf "$scratch"' EXIT
tmux -L candelab-gallery -f /dev/null new-session -d -x 130 -y 38 \
    "COLORTERM=truecolor ./target/release/candelab $options"
tmux -L candelab-gallery set -ga terminal-overrides ",*:Tc"
sleep 1
for key in "$@"; do
    case $key in
        wait:*) sleep "${key#wait:}" ;;
        *) tmux -L candelab-gallery send-keys "$key"; sleep 0.3 ;;
    esac
done
tmux -L candelab-gallery capture-pane -e -p | aha --black --no-header >"$scratch/body"
{
    echo '<meta charset="utf-8"><style>body{margin:12px;background:#111;color:#ddd}'
    echo 'pre{font:14px/17px "DejaVu Sans Mono",monospace;margin:0}'
    echo 'i{display:inline-block;width:1ch;font-style:normal;overflow:hidden;vertical-align:top;height:17px}</style><pre>'
    # Braille comes from another font, whose letters are a little wider than a cell.
    perl -CSD -pe 's/([\x{2800}-\x{28FF}])/<i>$1<\/i>/g' "$scratch/body"
    echo '</pre>'
} >"$scratch/page.html"
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$scratch/profile" --hide-scrollbars \
    --window-size=1120,680 --screenshot="$out" "file://$scratch/page.html" 2>/dev/null
