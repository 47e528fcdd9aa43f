/** The kernel's names of architectures, which nodes report, as images name them (containerd platforms, database.go). */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm/v7',
  armhf: 'arm/v7',
  armv6l: 'arm/v6',
  armel: 'arm/v6',
  i386: '386',
  i686: '386'
}

/** `linux/arm64` for what a node or a user says: `aarch64`, `linux/aarch64`, `linux/arm64/v8`. */
export function platformName(architecture: string, os = 'linux'): string {
  const name = architecture.toLowerCase()
  return `${os.toLowerCase()}/${architectures[name] ?? name}`.replace(/^(linux\/arm64)\/v8$/, '$1')
}
