#!/bin/sh
# newer-netavark.sh <directory>: the newest netavark of Debian, beside the installed one and not in its place, with the
# libraries that it wants. <directory>/command then holds the words of the command that runs it. Debian 12's own is 1.4 and
# knows iptables only, while all later releases use nftables.
set -eu

mkdir -p "$1"
directory=$(cd "$1" && pwd)
apt=$directory/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/state" "$apt/debs"
: >"$apt/status"

# the origin of this machine's own Debian packages
site=$(apt-get indextargets --format '$(SITE)|$(ORIGIN)|$(COMPONENT)|' 'Created-By: Packages' | sed -n 's/|Debian|main|$//p' | head -n 1)
[ -n "$site" ] || { echo "apt's sources name no mirror of Debian" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site sid main" >"$apt/sources.list"

# separate in everything: the machine's installed packages and lists are neither read nor changed
newest() {
  apt-get -qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State="$apt/state" \
    -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
    -o APT::Sandbox::User=root -o Acquire::Retries=0 -o Acquire::http::Timeout=10 "$@"
}
newest update
(cd "$apt/debs" && newest download netavark libc6 libgcc-s1)
for package in "$apt"/debs/*.deb; do dpkg-deb -x "$package" "$directory"; done
rm -r "$apt"

netavark=$directory/usr/lib/podman/netavark
loader=$(find "$directory" -name 'ld-linux*' -o -name 'ld[0-9]*.so.*' | head -n 1)
libraries=$(dirname "$(find "$directory" -name libgcc_s.so.1)")
"$loader" --library-path "$libraries" "$netavark" --version
echo "$loader --library-path $libraries $netavark" >"$directory/command"
