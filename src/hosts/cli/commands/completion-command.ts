/** `completion`: a script that asks `conductor __complete` while a word is typed. Nothing about commands stands in the script. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { usageError } from '../usage-error.ts';

const bash = `# conductor completion for bash: eval "$(conductor completion bash)"
_conductor() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(conductor __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "\${COMPREPLY[0]-}" = ":files" ]; then
    COMPREPLY=()
    compopt -o default 2>/dev/null
  fi
}
complete -F _conductor conductor
`;

const zsh = `#compdef conductor
# conductor completion for zsh: eval "$(conductor completion zsh)"
_conductor() {
  local -a found
  local line
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(conductor __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if [ "\${found[1]-}" = "\\\\:files:" ]; then
    _files
  else
    _describe conductor found
  fi
}
compdef _conductor conductor
`;

const fish = `# conductor completion for fish: conductor completion fish | source
function __conductor_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (conductor __complete -- $words[2..-1] 2>/dev/null)
  if string match -q ':files*' -- $found[1]
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c conductor -f -a '(__conductor_complete)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

export const completionCommand: CommandDefinition = {
  name: 'completion',
  summary: 'print the completion script of a shell',
  arguments: [{ name: '<shell>', description: 'bash, zsh or fish' }],
  examples: ['eval "$(conductor completion bash)"', 'conductor completion fish | source'],
  run: async ({ context, args }) => {
    const script = scripts[args[0] ?? ''];
    if (script === undefined)
      throw usageError(`there is a script for ${Object.keys(scripts).join(', ')}, not for ${args[0] ?? ''}`);
    context.io.stdout.write(script);
    return EXIT.done;
  },
};
