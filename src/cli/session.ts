import type { NetloomClient } from '../client.ts';
import type { GlobalOptions } from './options.ts';

/** Connects to the daemon while `use` runs. The client is loaded here, so that `--help` does not wait for it. */
export async function withClient<Result>(
  { node, runDir, natsUrl, creds, timeout }: GlobalOptions,
  use: (client: NetloomClient) => Promise<Result>,
  { reconnect = true }: { reconnect?: boolean } = {},
): Promise<Result> {
  const { connect } = await import('../client.ts');
  const address = { node, runDir, url: natsUrl, creds };
  const client = await connect({ ...address, name: 'netloom cli', timeoutMs: timeout, reconnect });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
