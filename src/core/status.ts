/** A container's configuration on one network, in the shape of podman's `StatusBlock` JSON (its field names are podman's). */
export interface StatusBlock {
  interfaces: Record<string, InterfaceStatus>;
  dns_server_ips: string[];
  dns_search_domains: string[];
}

export interface InterfaceStatus {
  mac_address: string;
  subnets: { ipnet: string; gateway?: string }[];
}
