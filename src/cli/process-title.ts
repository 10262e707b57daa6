import { shownUrl, withoutPasswords } from '../bus/server/server-url.ts';

/** The arguments as others may see them: without the passwords of NATS servers and of other URLs. */
export function shownArguments(args: readonly string[]): string[] {
  return args.map((text, index) => {
    const [, option = '', url] = /^(--nats-url=)(.*)$/s.exec(text) ?? [];
    if (args[index - 1] === '--nats-url') return shownUrl(text);
    return url === undefined ? withoutPasswords(text) : option + shownUrl(url);
  });
}

/**
 * Takes passwords out of what every user of this host can see of this process (`ps`, /proc/<pid>/cmdline). Until now they were
 * there: only what is not on the command line is never seen.
 */
export function hidePasswords(args: readonly string[]): void {
  const shown = shownArguments(args);
  if (shown.some((text, index) => text !== args[index])) process.title = ['netloom', ...shown].join(' ');
}
