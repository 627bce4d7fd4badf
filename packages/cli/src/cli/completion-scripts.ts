/**
 * A script a shell. Each asks the program for what may follow and passes the words on as they are: nothing that was typed is run. None
 * needs anything that does not come with the shell.
 */
export type Shell = "bash" | "zsh" | "fish";
export const shells: readonly Shell[] = ["bash", "zsh", "fish"];

/** The text, for a program of this name. */
export const completionScripts: Readonly<Record<Shell, (program: string) => string>> = { bash, zsh, fish };

function bash(program: string): string {
  return `# bash completion for ${program}: source <(${program} complete bash)
_${program}() {
  local line current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  # "--option=" is a word of its own for bash.
  [[ $current == "=" ]] && current=
  while IFS= read -r line; do
    if [[ $line == ":files" ]]; then
      compopt -o default
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(${program} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
}
complete -F _${program} ${program}
`;
}

function zsh(program: string): string {
  return `#compdef ${program}
# zsh completion for ${program}: source <(${program} complete zsh)
_${program}() {
  local line
  local -a found
  for line in "\${(@f)$(${program} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ":files" ]]; then
      _files
      return
    fi
    local word=\${\${line%%$'\\t'*}//:/\\\\:} meaning=\${line#*$'\\t'}
    [[ -n $word ]] && found+=("$word\${meaning:+:$meaning}")
  done
  _describe -V ${program} found
}
compdef _${program} ${program}
`;
}

function fish(program: string): string {
  return `# fish completion for ${program}: ${program} complete fish | source
function __${program}_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (${program} complete -- $words[2..-1] 2>/dev/null)
  if test "$found" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c ${program} -f -a "(__${program}_complete)"
`;
}
