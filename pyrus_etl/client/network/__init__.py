"""One request over the network: connections, proxies, certificates, names, and bodies as they come and go."""
