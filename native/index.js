import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const addon = load('./build/netloom.node');

/** A package brings the addon that was built where it was packed, for one processor and C library. */
function load(path) {
  try {
    return createRequire(import.meta.url)(path);
  } catch (cause) {
    const [reason] = cause.message.split('\n');
    const here = fileURLToPath(new URL('..', import.meta.url));
    throw new Error(
      `netloom's native addon does not load on this machine (${reason}): build it with \`npm run build:native\` in ${here}, which needs cmake, make and g++`,
      { cause },
    );
  }
}

export const {
  beginNetns,
  createNetns,
  adoptNetns,
  netnsIdentity,
  currentNetnsIdentity,
  shareNetnsDirectory,
  removeNetns,
  announceAddresses,
  enterNetns,
  enterFreshNetns,
  RouteSocket,
  openRouteSocket,
  route,
  listLinks,
  listBridgeSettings,
  linkByName,
  linkName,
  listAddresses,
  listRoutes,
  sourceAddressFor,
  linkTowards,
  isLocalAddress,
  netnsIdOf,
  assignNetnsId,
  loadRuleset,
  NftSocket,
  openNftSocket,
  changeElements,
  hasElements,
  listElements,
  listTables,
  inspectTable,
  deleteTable,
  deleteConntrack,
  setSysctl,
  setSysctls,
  getSysctl,
  HeldPort,
  holdPort,
  openUdpSocket,
  DhcpSocket,
  openDhcpSocket,
  sendDhcp,
  lockDirectory,
  Watch,
  watchRoutes,
  watchNft,
  watchProcess,
  watchDhcp,
} = addon;
