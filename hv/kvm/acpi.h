/* ACPI tables for foreign kernels (ACPI 6.4, hardware-reduced): CPUs, the I/O APIC,
 * virtio-mmio devices, and ports for power off and reset. */
#ifndef XENC_HV_KVM_ACPI_H
#define XENC_HV_KVM_ACPI_H

#include <stddef.h>
#include <stdint.h>

/* Writes all tables to mem[0..size), which is at address gpa for the guest and zeroed, the
 * root pointer (RSDP) first. -1: they do not fit. */
int acpi_write(uint8_t *mem, size_t size, uint64_t gpa, unsigned ncpus, unsigned ndevs);

#endif
