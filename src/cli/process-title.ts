import { shownUrl, withoutPasswords } from '../bus/server/server-url.ts';

/** Returns the arguments without the passwords of NATS servers and of other URLs. */
export function shownArguments(args: readonly string[]): string[] {
  return args.map((text, index) => {
    const [, option = '', url] = /^(--nats-url=)(.*)$/s.exec(text) ?? [];
    if (args[index - 1] === '--nats-url') return shownUrl(text);
    return url === undefined ? withoutPasswords(text) : option + shownUrl(url);
  });
}

/**
 * Removes passwords from the command line that every user of this host can read (`ps`, /proc/<pid>/cmdline). They were
 * readable until this call; a password is safe only if it is not on the command line.
 */
export function hidePasswords(args: readonly string[]): void {
  const shown = shownArguments(args);
  if (shown.some((text, index) => text !== args[index])) process.title = ['netloom', ...shown].join(' ');
}
