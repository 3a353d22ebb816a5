/** What a Vite project has anyway. Your own needs no `fs.allow`: it has `hallpass` among its packages. */
import { defineConfig } from 'vite'

export default defineConfig({
  server: {
    port: 5173,
    strictPort: true,
    // Here `hallpass/client` is source code, two directories up. Nothing else up there is anybody's business.
    fs: { allow: ['.', '../../src/client', '../../node_modules'] },
  },
  optimizeDeps: { include: ['react', 'react-dom/client', 'react/jsx-dev-runtime'] },
})
