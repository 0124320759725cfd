window.chunkLoaded = true;
//# sourceMappingURL=chunk.js.map
