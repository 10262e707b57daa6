import type { RouteRequest } from '#native';

type Request<Verb> = Extract<RouteRequest, { verb: Verb }>;

// Requests with defaults for the fields that most tests do not depend on.
export const addBridge = (name: string, more: Partial<Request<'addBridge'>> = {}): RouteRequest => ({
  verb: 'addBridge',
  name,
  macAddress: null,
  mtuBytes: null,
  up: true,
  ...more,
});
export const addVeth = (name: string, netns: string, more: Partial<Request<'addVeth'>> = {}): RouteRequest => ({
  verb: 'addVeth',
  name,
  mtuBytes: null,
  peerName: 'eth0',
  peerNetnsPath: netns,
  macAddress: null,
  peerMacAddress: null,
  ...more,
});
export const addMacvlan = (
  name: string,
  parent: string,
  netns: string,
  more: Partial<Request<'addMacvlan'>> = {},
): RouteRequest => ({
  verb: 'addMacvlan',
  name,
  parent,
  mode: 'bridge',
  broadcastLimit: null,
  macAddress: null,
  mtuBytes: null,
  netnsPath: netns,
  ...more,
});
export const addIpvlan = (name: string, parent: string, netns: string): RouteRequest => ({
  verb: 'addIpvlan',
  name,
  parent,
  mode: 'l2',
  mtuBytes: null,
  netnsPath: netns,
});
export const setLink = (name: string, more: Partial<Request<'setLink'>>): RouteRequest => ({
  verb: 'setLink',
  name,
  ...more,
});
export const deleteLink = (name: string): RouteRequest => ({ verb: 'deleteLink', name });
export const addAddress = (link: string, address: string): RouteRequest => ({
  verb: 'addAddress',
  link,
  address,
  noDad: true,
});
export const deleteAddress = (link: string, address: string): RouteRequest => ({
  verb: 'deleteAddress',
  link,
  address,
});
export const addRoute = (destination: string, more: Partial<Request<'addRoute'>>): RouteRequest => ({
  verb: 'addRoute',
  destination,
  gateway: null,
  link: null,
  metric: null,
  ...more,
});
export const deleteRoute = (destination: string, more: Partial<Request<'deleteRoute'>> = {}): RouteRequest => ({
  verb: 'deleteRoute',
  destination,
  gateway: null,
  link: null,
  metric: null,
  ...more,
});
