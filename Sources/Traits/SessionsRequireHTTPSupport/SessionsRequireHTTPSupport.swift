#if !HTTPSupport
#error("The product Sessions needs the trait HTTPSupport: add it to `traits:` of your .package(…) for kv-storage.")
#endif
