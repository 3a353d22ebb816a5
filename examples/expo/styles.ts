import { StyleSheet } from 'react-native'

export const styles = StyleSheet.create({
  screen: { flex: 1, gap: 12, padding: 24, paddingTop: 64, backgroundColor: '#ffffff' },
  title: { fontSize: 24, fontWeight: '600', color: '#1c2421' },
  text: { flexShrink: 1, fontSize: 16, color: '#1c2421' },
  fault: { fontSize: 16, color: '#a3231b' },
  input: {
    minHeight: 48,
    paddingHorizontal: 12,
    borderWidth: 1,
    borderColor: '#84908b',
    borderRadius: 10,
    fontSize: 16,
  },
  button: {
    minHeight: 48,
    justifyContent: 'center',
    paddingHorizontal: 16,
    borderRadius: 10,
    backgroundColor: '#0b5c4c',
  },
  buttonText: { fontSize: 16, fontWeight: '600', textAlign: 'center', color: '#ffffff' },
  row: { flexDirection: 'row', alignItems: 'center', justifyContent: 'space-between', gap: 12, paddingVertical: 12 },
})
