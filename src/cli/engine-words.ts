/**
 * Commands and options that users of podman and docker try first, and advice: netloom has no images and no processes.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const commands = words(`
  attach build commit cp exec image images kill logs pause pod pull push restart rmi start stop top unpause volume wait
`);

const runOptions = words(`
  -e -h -i -it -t -ti -u -v -w --cap-add --cpus --device --entrypoint --env --hostname --image --init --interactive
  --memory --mount --privileged --pull --restart --tty --user --volume --workdir
`);

export const notAnImage = 'netloom run takes a command of this host, not an image';

/**
 * Returns advice for a command or an option that only container engines have; null for any other. `said`: commander's
 * message about an unknown command or option; `group`: the command before it.
 */
export function engineAdvice(said: string, [group]: readonly string[]): string | null {
  const [, kind, name = ''] = /^unknown (command|option) '([^'=]*).*'$/.exec(said) ?? [];
  if (kind === 'command' && group === undefined && commands.has(name))
    return 'netloom makes networks; it is not a container engine';
  if (kind === 'option' && group === 'run' && runOptions.has(name))
    return `${notAnImage}; it is not a container engine`;
  return null;
}
