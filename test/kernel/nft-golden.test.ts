import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { nftFamily, nftTable } from '../../src/core/firewall/nft.ts';
import { NativeKernel } from '../../src/kernel/native-kernel.ts';
import { bytesOf, golden } from '../core/golden-elements.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { servicesIn } from '../support/kernel-services.ts';

let socket: native.NftSocket;

beforeAll(async () => {
  await becomeFreshHost();
  socket = native.openNftSocket();
});

describe('the golden bytes of elements are what the kernel stores for', () => {
  it.each(golden)('%s', async (command, { set }, bytes) => {
    const directory = temporaryDirectory();
    const kernel = new NativeKernel(`${directory.path}/netns`, servicesIn(directory.path));
    try {
      await kernel.perform([{ verb: 'nft.load' }]);
      execFileSync('nft', [command.replace(/^nft /, '')]);
      // an interval set begins with the end of the range before the first interval; the kernel lists highest first
      const kept = native.listElements(socket, nftTable, set, nftFamily(set)).map(bytesOf).sort();
      expect(kept.filter((element) => !/^[0 ]+ end$/.test(element))).toEqual([...bytes].sort());
    } finally {
      native.deleteTable(socket, nftTable);
      kernel.close();
      directory.remove();
    }
  });
});
