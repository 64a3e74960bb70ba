# Runs a Dockerfile without Docker. It knows the few instructions that this folder's Dockerfiles use, and refuses others.
# Sourced; runs nothing.
# shellcheck shell=bash

# dockerfile_build FILE CONTEXT BASE BIN WORK SNAPSHOT: leaves the final stage in WORK/final and its config object in
# WORK/config.json. BASE is the root file system to start from. BIN stands for the build context `bin`: programs built
# outside. As they change more often than packages, the file system before the first of them is kept in the tar SNAPSHOT.
dockerfile_build() {
	local file=$1 context=$2 base=$3 bin=$4 work=$5 snapshot=$6
	local verb rest stage user='' env='' entrypoint=null cmd=null resume=false
	if [ -e "$snapshot" ]; then
		resume=true
		stage=$work/final
		mkdir "$stage"
		tar -C "$stage" -xf "$snapshot"
	fi
	while read -r verb rest; do
		if $resume && [[ $verb =~ ^(FROM|COPY|RUN)$ && $rest != --from=bin* ]]; then continue; fi
		case "$verb $rest" in
		' ' | '#'*) ;;
		'FROM debian:bookworm-slim AS build')
			stage=$work/build
			cp -a --reflink=auto "$base" "$stage"
			;;
		'FROM scratch')
			stage=$work/final
			mkdir "$stage"
			;;
		'COPY --from=build '*) dockerfile_copy "$work/build" "$stage" "${rest#* }" ;;
		'COPY --from=bin '*)
			if [ ! -e "$snapshot" ]; then
				tar -C "$stage" -cf "$snapshot.$$" .
				mv "$snapshot.$$" "$snapshot"
			fi
			dockerfile_copy "$bin" "$stage" "${rest#* }"
			;;
		'COPY '[!-]*) dockerfile_copy "$context" "$stage" "$rest" ;;
		'RUN '*)
			# The instruction's words are the command, as in a shell.
			# shellcheck disable=SC2086
			inside "$stage" $rest
			;;
		'ENV '*) env+="${env:+,}\"$rest\"" ;;
		'USER '*) user=$rest ;;
		'ENTRYPOINT '*) entrypoint=$rest ;;
		'CMD '*) cmd=$rest ;;
		*)
			echo "$file: not known here: $verb $rest" >&2
			return 1
			;;
		esac
	done <"$file"
	# Device files come from the runtime.
	rm -rf "$work/final/dev" && mkdir "$work/final/dev"
	printf '{"User":"%s","Env":[%s],"Entrypoint":%s,"Cmd":%s}' "$user" "$env" "$entrypoint" "$cmd" >"$work/config.json"
}

# dockerfile_copy FROM TO "SOURCE TARGET": a folder's content goes into the target, as Docker does it.
dockerfile_copy() {
	local source target
	read -r source target <<<"$3"
	source=$1/${source#/} target=$2/${target#/}
	mkdir -p "$(dirname "$target")"
	if [ -d "$source" ]; then
		mkdir -p "$target"
		cp -a "$source/." "$target"
	else
		cp -a "$source" "$target"
	fi
}
