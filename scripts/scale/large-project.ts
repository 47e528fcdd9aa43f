/** A compose file of many services as text, and as the canonical model that compose would print for it. */
export function largeProject(services: number): { readonly model: string; readonly text: string } {
  const names = Array.from({ length: services }, (_, index) => `service-${index}`)
  const text = names.map((name, index) => serviceText(name, index)).join('')
  const model = {
    name: 'large',
    services: Object.fromEntries(names.map((name, index) => [name, serviceModel(index)])),
    networks: { default: { name: 'large_default', ipam: {} } },
    volumes: Object.fromEntries(names.map((_, index) => [`data-${index}`, { name: `large_data-${index}` }]))
  }
  const volumes = names.map((_, index) => `  data-${index}:\n`).join('')
  return { model: JSON.stringify(model), text: `services:\n${text}volumes:\n${volumes}` }
}

function serviceText(name: string, index: number): string {
  const waits = index === 0 ? '' : `    depends_on:\n      service-${index - 1}:\n        condition: service_started\n`
  return `  ${name}:
    image: example.com/app-${index}:\${TAG}
    environment:
      DB_PASSWORD: hunter2
      DATABASE_URL: postgres://user:secret@db/${name}
      GREETING: hello $$ {{name}}
    ports: ["${10_000 + index}:80"]
    volumes:
      - data-${index}:/data
    labels:
      traefik.enable: "true"
${waits}`
}

function serviceModel(index: number): object {
  return {
    command: null,
    entrypoint: null,
    image: `example.com/app-${index}:`,
    environment: {
      DB_PASSWORD: 'hunter2',
      DATABASE_URL: `postgres://user:secret@db/service-${index}`,
      GREETING: 'hello $$$$ {{name}}'
    },
    ports: [{ mode: 'ingress', target: 80, published: `${10_000 + index}`, protocol: 'tcp' }],
    volumes: [{ type: 'volume', source: `data-${index}`, target: '/data', volume: {} }],
    labels: { 'traefik.enable': 'true' },
    networks: { default: null },
    ...(index === 0
      ? {}
      : { depends_on: { [`service-${index - 1}`]: { condition: 'service_started', required: true } } })
  }
}
