import { askFrom, askFromHost, askFromOutside, resolved } from '../ask.ts';
import type { PodmanHost } from '../host.ts';
import type { Scenario } from '../outcome.ts';

/** N19: `firewall_driver = "none"` of containers.conf is this in netavark's environment. */
const withoutFirewall = (host: PodmanHost, name: string, options: string) =>
  host.sh(
    `NETAVARK_FW=none podman run --name ${name} --hostname ${name} -d ${options} --rootfs ${host.rootfs} httpd -f -p 80 -h /www`,
  );

export const noFirewall: Scenario[] = [
  {
    title: 'containers whose user makes the rules of the firewall',
    probes: { address: 'a saw [10.77.0.2]', between: 'a saw [10.5.0.3]', name: ['10.5.0.2'] },
    async run(host) {
      await host.must('network create --subnet 10.5.0.0/24 web');
      await withoutFirewall(host, 'a', '--network web -p 8080:80');
      await withoutFirewall(host, 'b', '--network web');
      await host.outside('ip route add 10.5.0.0/24 via 10.77.0.1');
      try {
        return {
          port: await askFromOutside(host, '10.77.0.1:8080'),
          address: await askFromOutside(host, '10.5.0.2'),
          host: await askFromHost(host, '10.5.0.2'),
          outwards: await askFrom(host, 'a', '10.77.0.2'),
          between: await askFrom(host, 'b', '10.5.0.2'),
          name: await resolved(host, 'b', 'a'),
        };
      } finally {
        await host.outside('ip route delete 10.5.0.0/24');
      }
    },
  },
];
