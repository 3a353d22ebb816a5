import { registerRootComponent } from 'expo'
import { SessionScreen } from './SessionScreen.tsx'

registerRootComponent(SessionScreen)
