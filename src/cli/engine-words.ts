/** What users of podman and docker try first, and what to answer them: netloom has networks, and neither images nor processes. */

const commands: ReadonlySet<string> = new Set([
  ...['attach', 'build', 'commit', 'cp', 'exec', 'image', 'images', 'kill', 'logs', 'pause', 'pod', 'pull', 'push'],
  ...['restart', 'rmi', 'start', 'stop', 'top', 'unpause', 'volume', 'wait'],
]);

const runOptions: ReadonlySet<string> = new Set([
  ...[
    '-e',
    '-h',
    '-i',
    '-it',
    '-t',
    '-ti',
    '-u',
    '-v',
    '-w',
    '--cap-add',
    '--cpus',
    '--device',
    '--entrypoint',
    '--env',
  ],
  ...['--hostname', '--image', '--init', '--interactive', '--memory', '--mount', '--privileged', '--pull', '--restart'],
  ...['--tty', '--user', '--volume', '--workdir'],
]);

export const notAnImage = 'netloom run takes a command of this host, not an image';

/** Advice for a command or an option of container engines; null: it is none. `group`: the command that was named before it. */
export function engineAdvice(said: string, [group]: readonly string[]): string | null {
  const [, kind, name = ''] = /^unknown (command|option) '([^'=]*).*'$/.exec(said) ?? [];
  if (kind === 'command' && group === undefined && commands.has(name))
    return 'netloom makes networks; it is not a container engine';
  return kind === 'option' && group === 'run' && runOptions.has(name)
    ? `${notAnImage}; it is not a container engine`
    : null;
}
