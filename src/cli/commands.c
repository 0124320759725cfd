/* The table of commands of `tt`, in the order of the overview. */
#include "cli/commands.h"

static const struct command *const table[] = {
	&command_init,
	&command_setup,
	&command_today,
	&command_yesterday,
	&command_week,
	&command_report,
	&command_streams,
	&command_tag,
	&command_untag,
	&command_tags,
	&command_rules,
	&command_classify,
	&command_sync,
	&command_machines,
	&command_list,
	&command_status,
	&command_doctor,
	&command_start,
	&command_daemon,
	&command_stop,
	&command_pause,
	&command_resume,
	&command_serve,
	&command_collect,
	&command_ingest,
	&command_import,
	&command_export,
	&command_events,
	&command_query,
	&command_stats,
	&command_context,
	&command_recompute,
	&command_quarantine,
	&command_verify,
	&command_backup,
	&command_restore,
	&command_config,
	&command_completion,
};

const struct command *const *commands(size_t *count)
{
	*count = ARRAY_LEN(table);
	return table;
}
