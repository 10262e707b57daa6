import { existsSync, readdirSync } from 'node:fs';
import * as native from '#native';
import { decodeElement } from '../../src/core/firewall/encoding.ts';
import { describeElement, type NftSet, nftFamily, nftSets, nftTable } from '../../src/core/firewall/nft.ts';
import type { TestDaemon } from './daemon.ts';

/**
 * What netloom has in this host's kernel. The same question as `inventory`, asked without starting a process: cheap
 * enough to be asked before and after every request.
 */
export class KernelState {
  readonly #route = native.openRouteSocket(null);
  readonly #nft = native.openNftSocket();

  constructor(private readonly daemon: TestDaemon) {}

  read(): { namespaces: string[]; links: string[]; elements: string[] } {
    const { netnsDirectory } = this.daemon;
    return {
      namespaces: existsSync(netnsDirectory) ? readdirSync(netnsDirectory) : [],
      links: native.listLinks(this.#route).map(({ name }) => name),
      elements: (Object.keys(nftSets) as NftSet[]).flatMap((set) =>
        native
          .listElements(this.#nft, nftTable, set, nftFamily(set))
          .map((element) => describeElement(decodeElement(set, element)))
          // a hash may grow in between, and be listed in another order
          .sort(),
      ),
    };
  }

  close(): void {
    this.#route.close();
    this.#nft.close();
  }
}

/** Checks whether a process could bind the port, on every address and by TCP and UDP. */
export function isFree(port: number): boolean {
  try {
    for (const protocol of ['tcp', 'udp'] as const)
      for (const address of ['0.0.0.0', '::']) native.holdPort(protocol, address, port).close();
    return true;
  } catch {
    return false;
  }
}
