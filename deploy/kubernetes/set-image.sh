#!/bin/sh
# Names the image in overlays, by its digest: deploy/kubernetes/set-image.sh registry.example.org/team/safeguard@sha256:… OVERLAY...
# `docker buildx imagetools inspect IMAGE:TAG --format '{{.Manifest.Digest}}'` (or `crane digest IMAGE:TAG`) says which.
set -eu
image=${1:-}
digest=${image#*@}
name=${image%@*}
case "$image" in
  *[!a-zA-Z0-9./:@_-]* | '' | *@*@*) echo 'usage: set-image.sh NAME@sha256:DIGEST OVERLAY...' >&2; exit 2 ;;
esac
case "$digest" in
  sha256:*[!0-9a-f]*) echo "no digest: $digest" >&2; exit 2 ;;
  sha256:????????????????????????????????????????????????????????????????) ;;
  *) echo "an image is named by its digest, NAME@sha256:…, not: $image" >&2; exit 2 ;;
esac
shift
[ $# -gt 0 ] || { echo 'usage: set-image.sh NAME@sha256:DIGEST OVERLAY...' >&2; exit 2; }
for overlay in "$@"; do
  file=$overlay/kustomization.yaml
  grep -q '^  - name: registry.example.org/safeguard$' "$file" || { echo "$file names no image registry.example.org/safeguard" >&2; exit 1; }
  # Written beside and renamed: a copy that is cut leaves the old one.
  awk -v name="$name" -v digest="$digest" '
    /^  - name: / { ours = ($3 == "registry.example.org/safeguard") }
    ours && /^    newName: / { next }
    ours && /^    digest: / { print "    newName: " name; print "    digest: " digest; next }
    { print }
  ' "$file" >"$file.new"
  mv "$file.new" "$file"
done
