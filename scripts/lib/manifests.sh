#!/usr/bin/env bash
# Prints the plain manifests, rendered from the chart: manifests.sh HELM >config/kubernetes/larder.yaml
set -euo pipefail
cd "$(dirname "$0")/../.."
cat <<'HEAD'
# Rendered from config/helm/larder by scripts/lib/manifests.sh. Set the image and larder.yaml (in the ConfigMap), then:
#
#   kubectl create secret generic larder-admin --from-literal=token="$(openssl rand -hex 20)"
#   kubectl apply -f config/kubernetes/larder.yaml
HEAD
"$1" template larder config/helm/larder --set admin.tokenSecret.name=larder-admin |
    grep -v -E '^# Source:|helm.sh/chart:|managed-by: Helm'
