{{- define "larder.name" -}}
{{- if contains "larder" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-larder" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "larder.selector" -}}
app.kubernetes.io/name: larder
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "larder.labels" -}}
{{ include "larder.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "larder.secret" -}}
{{ .Values.admin.tokenSecret.name | default (printf "%s-admin" (include "larder.name" .)) }}
{{- end }}

{{- /* What larder reads. The admin address has to be reachable for probes, so it has a token. */ -}}
{{- define "larder.config" -}}
{{- $own := dict "listen" "0.0.0.0:8080" "admin" (dict "address" "0.0.0.0:9180" "token" "${LARDER_ADMIN_TOKEN}") "state" "/var/lib/larder" -}}
{{ toYaml (mergeOverwrite (deepCopy .Values.config) $own) }}
{{- end }}
