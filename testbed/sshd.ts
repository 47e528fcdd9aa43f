/** A stock sshd_config of Debian as far as it matters here; `first` goes to the top, where a line wins. */
export function sshdConfig(dir: string, port: number, first: readonly string[]): string {
  return `${first.join('\n')}
Port ${port}
LogLevel VERBOSE
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
AuthorizedKeysFile ${dir}/authorized/%u
StrictModes no
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
`
}
