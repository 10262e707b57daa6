import type { NetloomClient } from '../client.ts';
import type { GlobalOptions } from './options.ts';

/** Speaks to the daemon for as long as `use` takes. The client is loaded here, so that `--help` does not wait for it. */
export async function withClient<Result>(
  { node, runDir, natsUrl, creds, timeout }: GlobalOptions,
  use: (client: NetloomClient) => Promise<Result>,
): Promise<Result> {
  const { connect } = await import('../client.ts');
  const client = await connect({ name: 'netloom cli', node, runDir, url: natsUrl, creds, timeoutMs: timeout });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
