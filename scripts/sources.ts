/**
 * Lets a script import the action's own sources: Node strips their types, and this resolves their `.js` specifiers to
 * the `.ts` files beside them. Import it first, then the sources with `await import(…)`.
 */
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !specifier.endsWith('.js')) return next(specifier, context)
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
    return existsSync(fileURLToPath(source)) ? { url: source.href, shortCircuit: true } : next(specifier, context)
  }
})
