/* Every command's descriptor: one line here and one row in commands.c make a new one known. */
#ifndef TT_CLI_COMMANDS_H
#define TT_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command command_backup, command_classify, command_collect, command_completion,
	command_config, command_context, command_daemon, command_doctor, command_events,
	command_export, command_import, command_ingest, command_ingest_sessions, command_init,
	command_list, command_machines, command_pause, command_quarantine, command_query,
	command_recompute, command_report, command_restore, command_resume, command_rules,
	command_serve, command_setup, command_start, command_stats, command_status, command_stop,
	command_streams, command_sync, command_tag, command_tags, command_today, command_untag,
	command_verify, command_week, command_yesterday;

#endif
