#!/usr/bin/env bash
# Lays out the root of a container image: image_root.sh BINARY FOLDER. It holds larder, the libraries that it is linked
# with and the system's certificate authorities; no shell and no package manager.
set -euo pipefail
[ $# = 2 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
binary=$1 root=$2
here=$(dirname "$0")

mkdir -p "$root"/{usr/bin,etc/larder,etc/ssl/certs,tmp,var/lib/larder}
chmod 1777 "$root/tmp"
chown 10001:10001 "$root/var/lib/larder"

strip -o "$root/usr/bin/larder" "$binary"
# Each at the path where the loader looks for it, links followed.
ldd "$binary" | grep -o '/[^ ]*' | sort -u | while read -r library; do
    install -D -m 0755 "$(realpath "$library")" "$root$library"
done

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mkdir -p "$root/usr/lib/ssl"
ln -sfn /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -sfn /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
echo 'larder:x:10001:10001:larder:/var/lib/larder:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'larder:x:10001:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
cp "$here/../../config/articles.yaml" "$here/../../config/larder.yaml" "$root/etc/larder/"
