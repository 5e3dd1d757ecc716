#!/usr/bin/env bash
# FlushProcessWriteBuffers in Debian's Wine 8.0 (8.0~repack-4): it returns, reports no failure, as on Windows, and does
# nothing. Wine says `fixme:virtual:NtFlushProcessWriteBuffers stub` once. Microsoft documents the call as a barrier on
# every processor of the process (processthreadsapi.h), and programs use it as the heavy side of an asymmetric fence.
#
# Code that leaves out fences because of this call has to ask whether it runs under Wine: ntdll.dll exports
# `wine_get_version` there.
#
# Seen on Linux on x86-64 with zig 0.13.0 as the compiler of the probe. Fails if that changes.
set -euo pipefail

dir=$(mktemp --directory)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download --quiet wine64=8.0~repack-4 libwine=8.0~repack-4 libz-mingw-w64 libunwind8 > apt.log 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
dlls=root/usr/lib/x86_64-linux-gnu/wine/x86_64-windows
cp --remove-destination root/usr/x86_64-w64-mingw32/lib/zlib1.dll "$dlls"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ziglang==0.13.0

cat > probe.c <<'C'
#include <stdio.h>
#include <windows.h>

int main(void) {
    FlushProcessWriteBuffers();
    puts("returned");
    puts(GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") ? "wine" : "not wine");
}
C
export ZIG_GLOBAL_CACHE_DIR=$dir/zig ZIG_LOCAL_CACHE_DIR=$dir/zig
venv/bin/python -m ziglang cc -target x86_64-windows-gnu probe.c -o probe.exe

export WINEPREFIX=$dir/prefix WINEDEBUG=fixme+virtual
export LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu
timeout 300 root/usr/lib/wine/wine64 probe.exe > output.txt 2> messages.txt
root/usr/lib/wine/wineserver --kill || true

tr --delete '\r' < output.txt | grep --line-regexp returned
tr --delete '\r' < output.txt | grep --line-regexp wine
grep --only-matching 'NtFlushProcessWriteBuffers stub' messages.txt
echo "as before: it returns and is a stub"
