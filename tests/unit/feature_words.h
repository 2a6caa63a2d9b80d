/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Pieces of requests of each dialect; ' stands for ". */
#ifndef PENSTOCK_UNIT_FEATURE_WORDS_H
#define PENSTOCK_UNIT_FEATURE_WORDS_H

/* clang-format off */
#define HI "{'type':'text','text':'hi'}"
#define USER(text) "{'role':'user','content':'" text "'}"
#define CONTENT(parts) "'messages':[{'role':'user','content':[" parts "]}]"
#define CALLED(id, args) "{'id':" id ",'type':'function','function':{'name':'f','arguments':'" args "'}}"
#define CALLS(id, args) "{'role':'assistant','tool_calls':[" CALLED(id, args) "]}"
#define ANSWERED(id, text) "{'role':'tool','tool_call_id':" id ",'content':'" text "'}"
#define FUNCTION(name, more) "'tools':[{'type':'function','function':{'name':'" name "'" more "}}]"
#define FORMAT_OF(schema) "'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':" schema "}}"
#define USED(id, input) "{'type':'tool_use','id':'" id "','name':'f','input':{" input "}}"
#define USES(input) "{'role':'assistant','content':[" USED("1", input) "]}"
#define RESULT(what) "{'role':'user','content':[{'type':'tool_result','tool_use_id':'1'," what "}]}"
#define TOOL(name, more) "'tools':[{'name':'" name "','input_schema':{'type':'object'}" more "}]"
#define TOO "{'type':'input_text','text':'hi'}"
#define INPUT(parts) "'input':[{'role':'user','content':[" parts "]}]"
#define FLAT(name, more) "'tools':[{'type':'function','name':'" name "'" more "}]"
#define ITEM(id, args) "{'type':'function_call','call_id':'" id "','name':'f','arguments':'" args "'}"
#define OUTPUT(id, what) "{'type':'function_call_output','call_id':'" id "','output':" what "}"
#define SAYS(role, parts) "{'role':'" role "','parts':[" parts "]}"
#define TURN(role, parts) "'contents':[" SAYS(role, parts) "]"
#define DECLARED(name, more) "'tools':[{'functionDeclarations':[{'name':'" name "'" more "}]}]"
#define CALLING(config) ",'toolConfig':{'functionCallingConfig':{" config "}}"
#define SET(more) "'generationConfig':{'maxOutputTokens':9000," more "}"
#define CONFIG(more) "'generationConfig':{'maxOutputTokens':9000<," more ">}"
/* clang-format on */

#endif
