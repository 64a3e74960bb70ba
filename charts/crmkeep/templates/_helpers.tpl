{{- define "crmkeep.selector" -}}
app.kubernetes.io/name: crmkeep
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "crmkeep.labels" -}}
{{ include "crmkeep.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What settings say about the network, with what is the same in most clusters and what the chart knows. */}}
{{- define "crmkeep.network" -}}
{{- $dns := dict "namespace" "kube-system" "podLabels" (dict "k8s-app" "kube-dns") -}}
{{- $known := dict "operatorNamespace" .Release.Namespace "dns" (.Values.settings.network.dns | default $dns) -}}
{{- toYaml (merge $known .Values.settings.network) }}
{{- end }}

{{/* The settings file. Without images the installation would end in pods that cannot start, so it says where they come from. */}}
{{- define "crmkeep.settings" -}}
{{- range list "crmkeep" "postgres" -}}
{{- $remedy := printf "settings.images.%s: must name an image that the cluster can pull; hack/images/README.md says how to build it" . -}}
{{- $_ := index $.Values.settings.images . | required $remedy -}}
{{- end -}}
{{- toYaml (merge (dict "network" (include "crmkeep.network" . | fromYaml)) .Values.settings) }}
{{- end }}

{{/* One end of a connection, as settings describe it: pods in a namespace, or a range of addresses. */}}
{{- define "crmkeep.peer" -}}
{{- if .cidr -}}
- ipBlock:
    cidr: {{ .cidr }}
{{- else -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  {{- with .podLabels }}
  podSelector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end }}
{{- end }}
