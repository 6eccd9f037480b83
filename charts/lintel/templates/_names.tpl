{{- define "lintel.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "lintel.selector" -}}
app.kubernetes.io/name: lintel
app.kubernetes.io/instance: {{ include "lintel.name" . }}
{{- end }}

{{- define "lintel.podLabels" -}}
{{ include "lintel.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: edge
{{- end }}

{{- define "lintel.labels" -}}
{{ include "lintel.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* "true" where the edge has ports 80 and 443 of every node itself. */ -}}
{{- define "lintel.hostPorts" -}}
{{- if has .Values.flavor (list "bare-metal" "kind" "minikube") }}true{{ end -}}
{{- end }}

{{- define "lintel.serviceType" -}}
{{- if include "lintel.hostPorts" . }}ClusterIP{{ else if eq .Values.flavor "nodeport" }}NodePort{{ else }}LoadBalancer{{ end -}}
{{- end }}

{{- define "lintel.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
