/** Where the services are, when the app is built or served: VITE_HALLPASS and VITE_API. */
interface ImportMetaEnv {
  readonly VITE_HALLPASS?: string
  readonly VITE_API?: string
}
