/**
 * The library: a client of netloom's daemons, and the types of what they answer and publish (docs/library.md). The daemon is the command
 * `netloom daemon`, another process.
 */

export {
  type CallOptions,
  type ClientOptions,
  type CloudEvent,
  type CommandName,
  connect,
  type EventFeed,
  type EventOptions,
  type Fault,
  type FaultCode,
  isOmitted,
  NetloomClient,
  NetloomError,
  type NodeOnBus,
  type OmittedEvent,
  type RequestOf,
  type ResponseOf,
  type StreamedEvent,
  type WholeEvent,
} from './client.ts';
export type { ContainerStatus } from './contract/container-replies.ts';
export type { AttachmentRequest, ContainerRequest } from './core/container/request.ts';
export type { LeftBehind } from './core/fault.ts';
export type { NetworkDefinition } from './core/network/definition.ts';
export type { NetworkRequest } from './core/network/request.ts';
export type { PublishedPort } from './core/port.ts';
export type { StatusBlock } from './core/status.ts';
export type {
  AsOf,
  ContainerState,
  ContainerStatistics,
  ContainerView,
  NetworkState,
  NetworkView,
  NodeInfo,
} from './core/view.ts';
