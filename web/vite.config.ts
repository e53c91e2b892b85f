import { paraglideVitePlugin } from '@inlang/paraglide-js'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// The daemon embeds dist/. Names carry a hash of their content, so the same sources always build the same files and a
// browser may keep them for ever; index.html alone is asked for anew.
export default defineConfig({
  plugins: [
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
      emitTsDeclarations: true,
    }),
    svelte(),
  ],
  // The daemon puts a fresh word in its place in each answer.
  html: { cspNonce: '__NONCE__' },
  build: {
    target: 'es2022',
    // The console is served by the daemon itself with a strict content security policy: nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
})
