#!/usr/bin/env bash
# Builds the named development tools into the user's cache, once per version, and prints the path of each.
#
#   install.sh NAME...     e.g. install.sh controller-gen helm
#
# Each tool is a module of its own, so that it is built with the dependencies that its authors released; the README names the exception. To
# change a version: `go get -tool PACKAGE@VERSION` in its folder.
set -euo pipefail
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What a tool says of itself is set by its linker flags alone: it is not the main module here.
version_flags() { # version_flags NAME VERSION
	local kube rules
	case $1 in
	controller-gen) # written into every CRD
		echo " -X sigs.k8s.io/controller-tools/pkg/version.version=$2"
		;;
	helm) # the Kubernetes version that charts are checked against when there is no cluster
		kube=$(awk '$1 == "k8s.io/client-go" {print $2}' "$tools/helm/go.mod" | cut -d. -f2)
		for rules in pkg/lint/rules pkg/chartutil; do
			printf ' -X helm.sh/helm/v3/%s.k8sVersionMajor=1 -X helm.sh/helm/v3/%s.k8sVersionMinor=%s' $rules $rules "$kube"
		done
		echo " -X helm.sh/helm/v3/internal/version.version=$2"
		;;
	esac
}

for name; do
	module=$tools/$name
	[ -e "$module/go.mod" ] || {
		echo "unknown tool $name; there are: $(cd "$tools" && echo */ | tr -d /)" >&2
		exit 1
	}
	# A tool that is put together here, such as golangci-lint with its plug-in, is the module's own main package.
	package=$(awk '$1 == "tool" {print $2}' "$module/go.mod")
	version=$(awk -v package="$package" 'NF > 1 && index(package, $1) == 1 && $2 ~ /^v/ {print $2}' "$module/go.mod")
	folder=$("$tools/gobuild.sh" "$module" "-ldflags=-s -w$(version_flags "$name" "$version")" -- "${package:-.}=$name")
	echo "$folder/$name"
done
