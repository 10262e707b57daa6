import { execFileSync } from 'node:child_process';

const program = new URL('../../native/build/test-programs/router-advertiser', import.meta.url).pathname;

export interface Advertisement {
  /** the sending namespace; null: that of this test */
  netns: string | null;
  interfaceName: string;
  /** a link-local address that the interface has */
  source: string;
  prefix: string;
  lifetimeSeconds?: number;
  count?: number;
  intervalMs?: number;
}

/** Sends router advertisements to every host on the link; returns when all were sent. */
export function advertiseRouter({
  netns,
  interfaceName,
  source,
  prefix,
  lifetimeSeconds = 1800,
  count = 3,
  intervalMs = 20,
}: Advertisement): void {
  const command = [program, interfaceName, source, prefix, lifetimeSeconds, count, intervalMs].map(String);
  const [file, ...args] = netns === null ? command : ['nsenter', `--net=${netns}`, ...command];
  execFileSync(file as string, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
